package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// framed returns a body with its length before it, as a varint.
func framed(body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

// readLength reads the length of a body, which is no larger than the limit.
func readLength(from io.ByteReader, limit int) (int, error) {
	length, err := binary.ReadUvarint(from)
	if err != nil {
		return 0, fmt.Errorf("no length: %w", err)
	}
	if length > uint64(limit) {
		return 0, fmt.Errorf("%d bytes are announced, and %d are allowed", length, limit)
	}
	return int(length), nil
}

// readFramed reads a body with its length before it.
func readFramed(from *bufio.Reader, limit int) ([]byte, error) {
	length, err := readLength(from, limit)
	if err != nil {
		return nil, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(from, body)
	return body, err
}

// field is one of a protobuf message: a number, or bytes.
type field struct {
	name   protowire.Number
	number uint64
	bytes  []byte
}

// fields returns those of a protobuf message in their order, but for the kinds that none of ours has.
func fields(message []byte) ([]field, error) {
	var found []field
	for len(message) > 0 {
		name, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		message = message[length:]
		one := field{name: name}
		switch kind {
		case protowire.VarintType:
			one.number, length = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			one.bytes, length = protowire.ConsumeBytes(message)
		default:
			length = protowire.ConsumeFieldValue(name, kind, message)
		}
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		message = message[length:]
		found = append(found, one)
	}
	return found, nil
}

func appendBytes(message []byte, name protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, name, protowire.BytesType), value)
}

func appendNumber(message []byte, name protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(message, name, protowire.VarintType), value)
}
