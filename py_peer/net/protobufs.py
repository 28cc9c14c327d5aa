"""Protobuf messages, declared where they are used and in protobuf's own words: no compiler, no generated files.

Spec: https://protobuf.dev/programming-guides/proto3/
"""

from __future__ import annotations

import re
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_FIELD: Final = re.compile(r"(?:(optional|repeated) )?(\w+) (\w+) = (\d+)")


def declare(package: str, **messages: tuple[str, ...]) -> dict[str, Any]:
    """Return the classes of a package's messages, by name; each is declared by its fields, as a .proto file has them.

        declare("chat", Hello=("string nick = 1", "repeated Place places = 2"), Place=("bytes address = 1",))

    A field's type is a scalar or a message of the same package; an enum is an int32, which is the same on the wire.
    The classes have `FromString`, which raises `google.protobuf.message.DecodeError`, and `SerializeToString`. Raises
    ValueError for what is no field, and TypeError for fields that cannot stand beside each other.
    """
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, lines in messages.items():
        message = file.message_type.add(name=name)
        for line in lines:
            if (match := _FIELD.fullmatch(line)) is None:
                raise ValueError(f"{line!r} is no field")
            label, kind, field_name, number = match.groups()
            field = message.field.add(name=field_name, number=int(number))
            field.label = FieldDescriptorProto.LABEL_REPEATED if label == "repeated" else field.LABEL_OPTIONAL
            if kind in messages:
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
            if label == "optional":  # its presence is known; a compiler declares it so, too
                field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field_name}")
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
