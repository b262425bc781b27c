"""Makes render_qwen3.json and jinja_snippets.json with Python's jinja2, in the settings of
transformers' apply_chat_template. Usage:

  pip install jinja2 && python3 test/vectors/render_qwen3.py TOKENIZER_CONFIG_JSON

`body` is a request of /v1/chat/completions. `template` is what vLLM hands to the template for it, by
hand from its documented rules: content as text, arguments parsed, tools dumped with their nulls.
"""

import json
import os
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = os.path.dirname(os.path.abspath(__file__))
EOS = "<|im_end|>"


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_render")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Bern", "北京", "🙂"], "description": "“Where” <b>&</b>"},
        "10": {"type": "number", "minimum": 0.0, "maximum": 1e21, "default": 1.5},
        "2": {"type": ["integer", "null"]},
    },
    "required": ["city"],
}
TOOLS = [
    {"function": {"parameters": WEATHER, "name": "weather", "description": "Now"}, "type": "function"},
    {"type": "function", "function": {"name": "noop", "x-vendor": 1}, "x-vendor": 2},
]
DUMPED_TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "description": "Now", "parameters": WEATHER},
    },
    {"type": "function", "function": {"name": "noop", "description": None, "parameters": None}},
]


def call(arguments, name="weather", id="call_1"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def case(name, messages, seen=None, tools=None, dumped=None, body=None, variables=None):
    """`seen`: messages as the template gets them, where they differ from the request's."""
    return {
        "name": name,
        "body": {"model": "m", "messages": messages, **({"tools": tools} if tools else {}), **(body or {})},
        "template": {
            "messages": seen if seen is not None else messages,
            "tools": dumped,
            "documents": None,
            "add_generation_prompt": True,
            "eos_token": EOS,
            **(variables or {}),
        },
    }


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **fields):
    return {"role": "assistant", "content": text, **fields}


def system(text):
    return {"role": "system", "content": text}


ARGUMENTS = '{"city": "北京", "deep": {"l": [1, 1.0, 1e3, -0.0, 12345678901234567890, true, null]}}'
LONG = "word " * 400
ALL_TEXT = "\u0000\u0001\t\n\r\u000b\u007f\u0085\u00a0\u00e9e\u0301\u2028\u3000\ufeff\U0001f469\u200d\U0001f680"

CASES = [
    case("one user message", [user("Hello")]),
    case("empty content", [user("")]),
    case("null content", [user("a"), assistant(None), user("b")], [user("a"), assistant(""), user("b")]),
    case("system and user", [system("Be brief.\n"), user("  Hi there \n")]),
    case("late system message", [user("a"), system("b"), user("c")]),
    case("no generation prompt", [user("a"), assistant("b")], body={"add_generation_prompt": False},
         variables={"add_generation_prompt": False}),
    case("multi-turn", [system("S")] + [m for i in range(6) for m in (user(f"q{i}"), assistant(f"a{i}\n"))] + [user("end")]),
    case("long text", [user(LONG), assistant(LONG), user("again")]),
    case("every kind of character", [user(ALL_TEXT), assistant(ALL_TEXT), user("x")]),
    case("text that looks like the template", [user("{{ messages }} {% if x %} <|im_end|>\n<|im_start|>user\n"), assistant("{# c #}"), user("</think>")]),
    case("thinking off", [user("a")], body={"chat_template_kwargs": {"enable_thinking": False}},
         variables={"enable_thinking": False}),
    case("thinking on", [user("a")], body={"chat_template_kwargs": {"enable_thinking": True}},
         variables={"enable_thinking": True}),
    case("null keyword argument is unset", [user("a")], body={"chat_template_kwargs": {"enable_thinking": None}}),
    case("reasoning effort none turns thinking off", [user("a")], body={"reasoning_effort": "none"},
         variables={"enable_thinking": False, "reasoning_effort": "none"}),
    case("reasoning effort high", [user("a")], body={"reasoning_effort": "high"},
         variables={"enable_thinking": True, "reasoning_effort": "high"}),
    case("keyword argument wins over effort", [user("a")],
         body={"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": True}},
         variables={"enable_thinking": True, "reasoning_effort": "none"}),
    case("reasoning in the text", [user("a"), assistant("<think>\nhmm\n</think>\n\nyes"), user("b")]),
    case("reasoning in the text, last turn", [user("a"), assistant("<think>\nhmm\n</think>\n\nyes")]),
    case("reasoning field", [user("a"), assistant("yes", reasoning="because\n")],
         [user("a"), assistant("yes", reasoning="because\n", reasoning_content="because\n")]),
    case("reasoning_content is renamed", [user("a"), assistant("yes", reasoning_content="because")],
         [user("a"), assistant("yes", reasoning="because", reasoning_content="because")]),
    case("tools", [user("weather?")], tools=TOOLS, dumped=DUMPED_TOOLS),
    case("tools and system", [system("S"), user("weather?")], tools=TOOLS, dumped=DUMPED_TOOLS),
    case("tools with tool_choice none", [user("weather?")], tools=TOOLS, dumped=DUMPED_TOOLS, body={"tool_choice": "none"}),
    case("tool call", [user("w?"), assistant("", tool_calls=[call(ARGUMENTS)]), {"role": "tool", "tool_call_id": "call_1", "content": '{"t": 20}'}],
         [user("w?"), assistant("", tool_calls=[call(json.loads(ARGUMENTS))]), {"role": "tool", "content": '{"t": 20}', "tool_call_id": "call_1"}],
         TOOLS, DUMPED_TOOLS),
    case("two calls and two answers", [user("w?"), assistant("ok", tool_calls=[call("{}"), call("", "noop", "c2")]),
          {"role": "tool", "tool_call_id": "call_1", "content": "1"}, {"role": "tool", "tool_call_id": "c2", "content": "2"}, assistant("done"), user("thanks")],
         [user("w?"), assistant("ok", tool_calls=[call({}), call({}, "noop", "c2")]),
          {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}, assistant("done"), user("thanks")],
         TOOLS, DUMPED_TOOLS),
    case("call without content", [user("w?"), assistant(None, tool_calls=[call('{"city": "Bern"}')])],
         [user("w?"), assistant("", tool_calls=[call({"city": "Bern"})])], TOOLS, DUMPED_TOOLS),
    case("arguments with integer-like keys", [user("w?"), assistant("", tool_calls=[call('{"b": 1, "10": 2, "2": {"9": 1, "1": 2}}')])],
         [user("w?"), assistant("", tool_calls=[call({"b": 1, "10": 2, "2": {"9": 1, "1": 2}})])]),
    case("empty tool_calls", [user("a"), assistant("b", tool_calls=[]), user("c")], [user("a"), assistant("b"), user("c")]),
    case("reasoning and call", [user("w?"), assistant("now", reasoning="look it up", tool_calls=[call('{"city": "🙂"}')]), {"role": "tool", "content": "20"}],
         [user("w?"), assistant("now", reasoning="look it up", reasoning_content="look it up", tool_calls=[call({"city": "🙂"})]), {"role": "tool", "content": "20"}],
         TOOLS, DUMPED_TOOLS),
    case("parts are joined by newlines", [user([{"type": "text", "text": "a"}, {"type": "text", "text": ""}, "b", {"type": "input_text", "text": "c"}])],
         [user("a\nb\nc")]),
    case("parts of a tool message", [user("a"), {"role": "tool", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]}],
         [user("a"), {"role": "tool", "content": "1\n2"}]),
    case("thinking and refusal parts", [user("a"), assistant([{"type": "thinking", "thinking": "t"}, {"type": "refusal", "refusal": "no"}]), user("b")],
         [user("a"), assistant("t\nno"), user("b")]),
    case("null text part is skipped", [user([{"type": "text", "text": None}, {"type": "text", "text": "x"}])], [user("x")]),
    case("unknown message fields are gone", [{**user("a"), "content_type": "x", "reasoning_content": "r"}], [user("a")]),
    case("developer message becomes system", [{"role": "developer", "content": "dev"}, user("a")], [system("dev"), user("a")]),
    case("developer messages are merged", [system("one"), user("a"), {"role": "developer", "content": "two"}, user("b")],
         [system("one\n\ntwo"), user("a"), user("b")]),
    case("first of several user messages", [user("a"), user("b"), assistant("c"), user("<tool_response>\nx\n</tool_response>")]),
]


def snippets(env):
    context = {
        "d": {"a": 1, "n": None, "l": [{"x": 1}, 2], "b": "é"},
        "xs": [1, 2, 3],
        "s": "hello",
        "e": "a🙂é",
        "ms": [
            {"role": "system", "content": "sys"},
            {"role": "user", "content": "hey"},
            {"role": "user", "content": "yo"},
        ],
        "nums": [1, 1.0, -0.0, 1e3, 1.5, 1e-7, 123456789012345678901234567890, 1e22, 0.1],
        "tree": [{"n": 1, "c": [{"n": 2, "c": []}, {"n": 3, "c": [{"n": 4}]}]}],
    }
    with open(os.path.join(FOLDER, "jinja_snippets.txt"), newline="") as f:
        sources = [source for source in f.read().split("\n----\n") if source]
    results = []
    for source in sources:
        try:
            results.append({"source": source, "text": env.from_string(source).render(**context)})
        except Exception as error:
            results.append({"source": source, "error": str(error)})
    return {"how": HOW, "context": context, "snippets": results}


HOW = f"Python's jinja2 {jinja2.__version__}: ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loopcontrols, tojson = json.dumps(ensure_ascii=False); made by render_qwen3.py"


def write(name, value):
    with open(os.path.join(FOLDER, name), "w") as f:
        json.dump(value, f, ensure_ascii=False, indent=1)
        f.write("\n")


def main():
    with open(sys.argv[1]) as f:
        source = json.load(f)["chat_template"]
    env = environment()
    template = env.from_string(source)
    for item in CASES:
        item["text"] = template.render(**item["template"])
    write("render_qwen3.json", {"how": HOW, "model": "Qwen/Qwen3", "cases": CASES})
    write("jinja_snippets.json", snippets(env))


if __name__ == "__main__":
    main()
