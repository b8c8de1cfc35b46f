package main

import (
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

const inferenceService = "kaito.inference.v1.InferenceService"

// message is one that is encoded already.
type message []byte

// rawCodec passes messages through as they are, and leaves grpc.health.v1's to protobuf.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(value any) (mem.BufferSlice, error) {
	if raw, ok := value.(message); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(value)
}

func (c rawCodec) Unmarshal(data mem.BufferSlice, value any) error {
	if raw, ok := value.(*message); ok {
		*raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, value)
}

// serveModel is a model-server whose answers cost it almost nothing.
func serveModel(listener net.Listener) error {
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(proto.Name)}),
		grpc.UnknownServiceHandler(answerCall),
	)
	healths := health.NewServer()
	healths.SetServingStatus(inferenceService, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healths)
	return server.Serve(listener)
}

func answerCall(_ any, stream grpc.ServerStream) error {
	var request message
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	send := func(fields ...[]byte) error { return stream.SendMsg(joined(fields)) }
	switch method[strings.LastIndex(method, "/")+1:] {
	case "GetModel":
		model := joined([][]byte{textField(1, "m"), textField(2, "m"), varint(3, 4096), varint(4, 1)})
		return send(nested(1, model))
	case "Generate":
		choice := joined([][]byte{textField(2, text(0)), varint(3, 1)})
		return send(nested(1, choice), usage(2, 1), textField(4, "m"))
	case "StreamGenerate":
		a := parseAnswer(request)
		err := a.play(func(number int) error {
			if number == 0 {
				return send(textField(2, text(0)), textField(6, "m"))
			}
			return send(textField(2, text(number)))
		})
		if err != nil {
			return err
		}
		return send(varint(3, 1), usage(4, a.chunks))
	}
	return send()
}

func usage(field protowire.Number, completionTokens int) []byte {
	return nested(field, joined([][]byte{varint(1, 4), varint(2, uint64(completionTokens))}))
}

func textField(field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), value)
}

func nested(field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), value)
}

func varint(field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), value)
}

func joined(fields [][]byte) message {
	all := message{}
	for _, each := range fields {
		all = append(all, each...)
	}
	return all
}
