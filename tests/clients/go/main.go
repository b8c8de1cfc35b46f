// Asks a model-server through stubs that protoc-gen-go and protoc-gen-go-grpc write from the
// contract, and prints one line of JSON per call.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "clients/inference"
)

type result struct {
	Call   string `json:"call"`
	Result string `json:"result"`
	OK     bool   `json:"ok"`
}

func report(call string, text string, ok bool) {
	line, _ := json.Marshal(result{call, text, ok})
	fmt.Println(string(line))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	channel, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		report("NewClient", err.Error(), false)
		os.Exit(1)
	}
	defer channel.Close()
	client := pb.NewInferenceServiceClient(channel)
	for name, call := range map[string]func(context.Context, pb.InferenceServiceClient) (string, bool, error){
		"GetModel":                     getModel,
		"Generate":                     generate,
		"StreamGenerate":               stream,
		"Generate with a tool":         callTool,
		"Generate of an unknown model": unknownModel,
		"Embed":                        embed,
	} {
		text, ok, err := call(ctx, client)
		if err != nil {
			text, ok = err.Error(), false
		}
		report(name, text, ok)
	}
}

func request(tokens uint32) *pb.GenerateRequest {
	greedy := false
	return &pb.GenerateRequest{
		Input:   &pb.GenerateRequest_Prompt{Prompt: "The ship sails"},
		Options: &pb.GenerationOptions{MaxNewTokens: &tokens, DoSample: &greedy},
	}
}

func getModel(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	response, err := client.GetModel(ctx, &pb.GetModelRequest{})
	if err != nil {
		return "", false, err
	}
	model := response.GetModel()
	return model.GetName() + " on " + model.GetEngine(), model.GetMaxLength() > 0, nil
}

func generate(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	response, err := client.Generate(ctx, request(8))
	if err != nil {
		return "", false, err
	}
	tokens := response.GetUsage().GetCompletionTokens()
	return fmt.Sprintf("%d tokens", tokens), len(response.GetChoices()) == 1 && tokens > 0, nil
}

func stream(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	whole, err := client.Generate(ctx, request(8))
	if err != nil {
		return "", false, err
	}
	messages, err := client.StreamGenerate(ctx, &pb.StreamGenerateRequest{Request: request(8)})
	if err != nil {
		return "", false, err
	}
	var text strings.Builder
	count := 0
	for {
		message, err := messages.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", false, err
		}
		text.WriteString(message.GetText())
		count++
	}
	same := text.String() == whole.GetChoices()[0].GetText()
	return fmt.Sprintf("%d messages, the text of Generate: %t", count, same), same, nil
}

func callTool(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	call := request(128)
	call.Input = &pb.GenerateRequest_Chat{Chat: &pb.Chat{
		Messages: []*pb.ChatMessage{{Role: "user", Content: "Weather?"}},
		Tools: []*pb.Tool{{
			Name:       "weather",
			Parameters: `{"type":"object","properties":{"unit":{"enum":["C","F"]}},"required":["unit"],"additionalProperties":false}`,
		}},
		ToolChoice: &pb.ToolChoice{Mode: pb.ToolChoice_MODE_REQUIRED, SingleCall: true},
	}}
	response, err := client.Generate(ctx, call)
	if err != nil {
		return "", false, err
	}
	calls := response.GetChoices()[0].GetToolCalls()
	if len(calls) != 1 {
		return fmt.Sprintf("%d calls", len(calls)), false, nil
	}
	var arguments struct{ Unit string }
	err = json.Unmarshal([]byte(calls[0].GetArguments()), &arguments)
	ok := err == nil && calls[0].GetName() == "weather" && strings.Contains("CF", arguments.Unit)
	return calls[0].GetName() + calls[0].GetArguments(), ok, nil
}

func unknownModel(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	call := request(8)
	call.Model = "nobody"
	_, err := client.Generate(ctx, call)
	return status.Code(err).String(), status.Code(err) == codes.NotFound, nil
}

func embed(ctx context.Context, client pb.InferenceServiceClient) (string, bool, error) {
	response, err := client.Embed(ctx, &pb.EmbedRequest{
		Inputs: []*pb.EmbedInput{{Input: &pb.EmbedInput_Text{Text: "The ship"}}},
	})
	if err != nil {
		return "", false, err
	}
	vector := response.GetEmbeddings()[0].GetValues()
	var square float32
	for _, value := range vector {
		square += value * value
	}
	ok := square > 0.999 && square < 1.001
	return fmt.Sprintf("%d numbers of length %.3f", len(vector), square), ok, nil
}
