"""What a person or a script meets: arguments, the chat on a terminal and through pipes, headless output."""
