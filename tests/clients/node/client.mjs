// openai for JavaScript, unmodified.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none", maxRetries: 0 });
const model = "tiny";
const messages = [{ role: "user", content: "Weather?" }];
const parameters = {
  type: "object",
  properties: { unit: { type: "string", enum: ["C", "F"] } },
  required: ["unit"],
  additionalProperties: false,
};
const tool = { name: "weather", description: "Tells the weather.", parameters };
const tools = [{ type: "function", function: tool }];

function check(condition, what) {
  if (!condition) throw new Error(what);
}

const calls = {
  "models.list, models.retrieve": async () => {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    check((await client.models.retrieve(model)).id === model, "retrieve gives another model");
    return names.join(", ");
  },
  "chat.completions.create": async () => {
    const found = await client.chat.completions.create({ model, messages, max_tokens: 8 });
    return `${found.usage.completion_tokens} tokens, ${found.choices[0].finish_reason}`;
  },
  "chat.completions.create, stream": async () => {
    const fields = { model, messages, max_tokens: 8, temperature: 0 };
    const whole = await client.chat.completions.create(fields);
    const stream = await client.chat.completions.create({ ...fields, stream: true });
    let text = "";
    let count = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      count += 1;
    }
    check(text === whole.choices[0].message.content, "not the text of the whole answer");
    return `${count} chunks, the text of the whole answer`;
  },
  "chat.completions.create, tools and their results": async () => {
    const first = await client.chat.completions.create({
      model, messages, tools, tool_choice: "required", parallel_tool_calls: false,
    });
    const { message, finish_reason } = first.choices[0];
    check(finish_reason === "tool_calls", `finish_reason ${finish_reason}`);
    const [made] = message.tool_calls;
    check("CF".includes(JSON.parse(made.function.arguments).unit), "the schema is not kept");
    const result = { role: "tool", tool_call_id: made.id, content: "sun" };
    const second = await client.chat.completions.create({
      model, messages: [...messages, message, result], tools, max_tokens: 8,
    });
    return `${made.function.name}${made.function.arguments}, then ${second.choices[0].finish_reason}`;
  },
  "chat.completions.parse": async () => {
    const format = zodResponseFormat(z.object({ unit: z.enum(["C", "F"]) }), "weather");
    const found = await client.chat.completions.parse({ model, messages, response_format: format });
    const { parsed } = found.choices[0].message;
    check("CF".includes(parsed.unit), JSON.stringify(parsed));
    return JSON.stringify(parsed);
  },
  "chat.completions.create, logprobs": async () => {
    const found = await client.chat.completions.create({
      model, messages, max_tokens: 4, logprobs: true, top_logprobs: 2,
    });
    const tokens = found.choices[0].logprobs.content;
    check(tokens.length === found.usage.completion_tokens, "not one for each token");
    return `${tokens.length} tokens`;
  },
  "completions.create, echo and logprobs": async () => {
    const found = await client.completions.create({
      model, prompt: "The ship", max_tokens: 1, echo: true, logprobs: 1,
    });
    const { text, logprobs } = found.choices[0];
    check(text.startsWith("The ship"), text);
    check(logprobs.token_logprobs[0] === null, "the first token has a log probability");
    return `${logprobs.tokens.length} tokens`;
  },
  "embeddings.create (base64)": async () => {
    const found = await client.embeddings.create({ model, input: ["The ship", "gold"] });
    const length = Math.hypot(...found.data[0].embedding);
    check(Math.abs(length - 1) < 1e-3, `length ${length}`);
    return `${found.data.length} vectors of ${found.data[0].embedding.length} numbers`;
  },
  "responses.create": async () => {
    const found = await client.responses.create({ model, input: "Weather?", max_output_tokens: 8 });
    check(typeof found.output_text === "string", "no text");
    return `${found.status}, ${found.usage.output_tokens} tokens`;
  },
  "responses.stream, tools": async () => {
    const stream = client.responses.stream({
      model,
      input: "Weather?",
      tools: [{ type: "function", strict: true, ...tool }],
      tool_choice: "required",
    });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    const final = await stream.finalResponse();
    check(final.output.at(-1).type === "function_call", JSON.stringify(final.output));
    return `${kinds.length} events, ${kinds[0]} to ${kinds.at(-1)}`;
  },
};

for (const [call, make] of Object.entries(calls)) {
  let result;
  let ok = true;
  try {
    result = await make();
  } catch (error) {
    [result, ok] = [String(error).slice(0, 300), false];
  }
  console.log(JSON.stringify({ call, result, ok }));
}
