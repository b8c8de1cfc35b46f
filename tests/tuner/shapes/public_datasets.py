"""First rows of public datasets, rebuilt by their published schemas in words of our own.

Column names, types and structure are those of the files on the Hugging Face hub; columns that are
there and that training does not need are kept, because the decision for a shape has to see past
them.
"""

import datetime
from collections.abc import Mapping
from typing import Any

_WEATHER_TOOL = (
    '[{"name": "get_weather", "description": "Weather of a city.", "parameters": {"city": '
    '{"description": "Name of the city.", "type": "str", "default": "Oslo"}, "days": '
    '{"description": "How many days.", "type": "int, optional"}}}]'
)

PUBLIC_DATASETS: Mapping[str, dict[str, Any]] = {
    "HuggingFaceH4/ultrachat_200k": {
        "prompt": "Which theme is best?",
        "prompt_id": "f0e37e9f7800261167ce91143f98f511f768847236f133f2d0aed60b444ebe57",
        "messages": [
            {"content": "Which theme is best?", "role": "user"},
            {"content": "The one that loads fast.", "role": "assistant"},
            {"content": "How do I set it up?", "role": "user"},
            {"content": "Open the settings first.", "role": "assistant"},
        ],
    },
    "tatsu-lab/alpaca": {
        "instruction": "Name the odd one out.",
        "input": "Oak, maple, granite",
        "output": "Granite",
        "text": (
            "Below is an instruction that describes a task, paired with an input.\n\n"
            "### Instruction:\nName the odd one out.\n\n### Input:\nOak, maple, granite\n\n"
            "### Response:\nGranite"
        ),
    },
    "yahma/alpaca-cleaned": {
        "output": "Sleep, walk, and eat greens.",
        "input": "",
        "instruction": "Three tips for health?",
    },
    "databricks/databricks-dolly-15k": {
        "instruction": "When did the airline begin?",
        "context": "The airline began service on 31 August 2000 with two aircraft.",
        "response": "On 31 August 2000.",
        "category": "closed_qa",
    },
    "philschmid/dolly-15k-oai-style": {
        "messages": [
            {"content": "You are an assistant.", "role": "system"},
            {"content": "When did the airline begin?", "role": "user"},
            {"content": "On 31 August 2000.", "role": "assistant"},
        ]
    },
    "OpenAssistant/oasst2 (ready.trees.jsonl.gz)": {
        "message_tree_id": "6ab24d72-0181-4594-a9cd-deaf170242fb",
        "tree_state": "ready_for_export",
        "prompt": {
            "message_id": "6ab24d72-0181-4594-a9cd-deaf170242fb",
            "user_id": "c3fe8c76-fc30-4fa7-b7f8-c492f5967d18",
            "created_date": "2023-02-05T14:23:50.983374+00:00",
            "text": "What is a monopsony?",
            "role": "prompter",
            "lang": "en",
            "review_count": 3,
            "review_result": True,
            "deleted": False,
            "synthetic": False,
            "replies": [
                {
                    "message_id": "343ee2d4-87ae-41fd-a768-bdd65959dc4a",
                    "parent_id": "6ab24d72-0181-4594-a9cd-deaf170242fb",
                    "text": "A shop.",
                    "role": "assistant",
                    "rank": 1,
                    "replies": [],
                },
                {
                    "message_id": "18145bf4-37fd-4ac0-80f5-6108b5f2b365",
                    "parent_id": "6ab24d72-0181-4594-a9cd-deaf170242fb",
                    "text": "A market with one buyer.",
                    "role": "assistant",
                    "rank": 0,
                    "replies": [
                        {
                            "message_id": "973e9ee1-9a4d-4f9b-a3f0-5b1c3e1f9ed3",
                            "text": "An example?",
                            "role": "prompter",
                            "replies": [],
                        }
                    ],
                },
            ],
        },
    },
    "timdettmers/openassistant-guanaco": {
        "text": "### Human: What is a monopsony?### Assistant: A market with one buyer."
    },
    "teknium/OpenHermes-2.5": {
        "custom_instruction": None,
        "topic": None,
        "model_name": None,
        "model": None,
        "skip_prompt_formatting": False,
        "category": "orca",
        "conversations": [
            {"from": "human", "weight": None, "value": "Is the answer (A) or (B)?"},
            {"from": "gpt", "weight": None, "value": "(B)"},
        ],
        "views": None,
        "language": None,
        "id": None,
        "title": None,
        "idx": None,
        "hash": None,
        "avatarUrl": None,
        "system_prompt": None,
        "source": "airoboros2.2",
    },
    "Open-Orca/OpenOrca": {
        "id": "niv.242684",
        "system_prompt": "",
        "question": "Write an article about the rivers of Bavaria.",
        "response": "The Isar rises in the Alps.",
    },
    "Anthropic/hh-rlhf": {
        "chosen": (
            "\n\nHuman: How do I whistle?\n\nAssistant: Do you know a tune?"
            "\n\nHuman: Yes.\n\nAssistant: Then purse your lips."
        ),
        "rejected": (
            "\n\nHuman: How do I whistle?\n\nAssistant: Do you know a tune?"
            "\n\nHuman: Yes.\n\nAssistant: No idea."
        ),
    },
    "openai/gsm8k": {
        "question": "Ann sold 4 clips in May and twice as many in June. How many in all?",
        "answer": "In June she sold 4*2 = <<4*2=8>>8 clips.\nIn all 4+8 = <<4+8=12>>12.\n#### 12",
    },
    "rajpurkar/squad": {
        "id": "5733be284776f41900661182",
        "title": "University",
        "context": "On top of the main building is a golden statue.",
        "question": "What is on top of the main building?",
        "answers": {"text": ["a golden statue"], "answer_start": [30]},
    },
    "Samsung/samsum": {
        "id": "13818513",
        "dialogue": "Amanda: I baked cookies. Do you want some?\r\nJerry: Sure!",
        "summary": "Amanda baked cookies, and Jerry wants some.",
    },
    "abisee/cnn_dailymail": {
        "article": "LONDON -- The actor turns 18 on Monday. He says that he will not buy a car.",
        "highlights": "The actor turns 18 .\nHe will not buy a car .",
        "id": "42c027e4ff9730fbb3de84c1af0d2c506e41c3e4",
    },
    "EdinburghNLP/xsum": {
        "document": "The full cost of the flood is still being counted.",
        "summary": "The flood was costly.",
        "id": "35232142",
    },
    "HuggingFaceTB/smoltalk": {
        "messages": [
            {"content": "Plan two days in the hills.", "role": "user"},
            {"content": "Day one: the ridge.", "role": "assistant"},
        ],
        "source": "smol-magpie-ultra",
    },
    "allenai/tulu-3-sft-mixture": {
        "id": "oasst1_4964",
        "messages": [
            {"content": "Compare the two shoes.", "role": "user"},
            {"content": "The first is lighter.", "role": "assistant"},
        ],
        "source": "ai2-adapt-dev/oasst1_converted",
    },
    "Salesforce/xlam-function-calling-60k": {
        "id": 0,
        "query": "What is the weather in Rome for 2 days?",
        "answers": '[{"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}]',
        "tools": _WEATHER_TOOL,
    },
    "NousResearch/hermes-function-calling-v1": {
        "id": "85f7f4c8-2c4d-4f2d-a2b5-2d0f5a1f1c2f",
        "conversations": [
            {
                "from": "system",
                "value": (
                    "You call functions. Their signatures: <tools>\n[{'type': 'function', "
                    "'function': {'name': 'get_camera', 'parameters': {'type': 'object'}}}]\n"
                    "</tools>"
                ),
            },
            {"from": "human", "value": "Show the live feed of camera 3."},
            {
                "from": "gpt",
                "value": '<tool_call>\n{"name": "get_camera", "arguments": {"id": 3}}\n'
                "</tool_call>",
            },
            {"from": "tool", "value": '<tool_response>\n{"url": "a"}\n</tool_response>'},
            {"from": "gpt", "value": "Here it is: a"},
        ],
        "tools": (
            '[{"type": "function", "function": {"name": "get_camera", "parameters": '
            '{"type": "object"}}}]'
        ),
        "category": "IoT and home automation",
        "subcategory": "Security cameras",
        "task": "Show a camera",
    },
    "HuggingFaceH4/ultrafeedback_binarized": {
        "prompt": "How do I pan-fry fish?",
        "prompt_id": "0000c9a5d5b9f3a4",
        "chosen": [
            {"content": "How do I pan-fry fish?", "role": "user"},
            {"content": "In hot butter.", "role": "assistant"},
        ],
        "rejected": [
            {"content": "How do I pan-fry fish?", "role": "user"},
            {"content": "Do not.", "role": "assistant"},
        ],
        "messages": [
            {"content": "How do I pan-fry fish?", "role": "user"},
            {"content": "In hot butter.", "role": "assistant"},
        ],
        "score_chosen": 8.0,
        "score_rejected": 3.5,
    },
    "Intel/orca_dpo_pairs": {
        "system": "You answer with one word.",
        "question": "Which planet is the largest?",
        "chosen": "Jupiter",
        "rejected": "I do not know.",
    },
    "trl-lib/kto-mix-14k": {
        "prompt": [{"content": "Which planet is the largest?", "role": "user"}],
        "completion": [{"content": "Jupiter", "role": "assistant"}],
        "label": True,
    },
    "Salesforce/wikitext (second row)": {"text": " = Valkyria Chronicles III = \n"},
    "microsoft/orca-math-word-problems-200k": {
        "question": "Jung is between Luc and Ann in a row of three. Who is in the middle?",
        "answer": "Jung is in the middle.",
    },
    "meta-math/MetaMathQA": {
        "type": "MATH_AnsAug",
        "query": "Compute 2 + 2.",
        "original_question": "Compute 2 + 2.",
        "response": "The answer is: 4",
    },
    "AI-MO/NuminaMath-CoT": {
        "source": "synthetic_math",
        "problem": "Compute 2 + 2.",
        "solution": "It is 4.",
        "messages": [
            {"content": "Compute 2 + 2.", "role": "user"},
            {"content": "It is 4.", "role": "assistant"},
        ],
    },
    "LDJnr/Capybara": {
        "source": "Airoboros",
        "conversation": [
            {"input": "Who wrote it?", "output": "Ann did."},
            {"input": "When?", "output": "In May."},
        ],
    },
    "cais/mmlu": {
        "question": "Which gas do plants take in?",
        "subject": "high_school_biology",
        "choices": ["Helium", "Carbon dioxide", "Neon", "Argon"],
        "answer": 1,
    },
    "allenai/ai2_arc": {
        "id": "Mercury_SC_415702",
        "question": "Which surface warms hands the most when rubbed?",
        "choices": {"text": ["dry palms", "wet palms"], "label": ["A", "B"]},
        "answerKey": "A",
    },
    "google/boolq": {
        "question": "does water boil at 100 degrees",
        "answer": True,
        "passage": "At sea level, water boils at 100 degrees Celsius.",
    },
    "iamtarun/python_code_instructions_18k_alpaca": {
        "instruction": "Add two numbers.",
        "input": "",
        "output": "print(1 + 2)",
        "prompt": "### Instruction:\nAdd two numbers.\n\n### Output:\nprint(1 + 2)",
    },
    "Open-Orca/SlimOrca": {
        "conversations": [
            {"from": "system", "value": "You are an assistant.", "weight": None},
            {"from": "human", "value": "Name a fish.", "weight": 0.0},
            {"from": "gpt", "value": "Trout", "weight": 1.0},
        ]
    },
    "nvidia/OpenMathInstruct-2": {
        "problem": "Compute 2 + 2.",
        "generated_solution": "We add and get 4.",
        "expected_answer": "4",
        "problem_source": "augmented_math",
    },
    "nvidia/Llama-Nemotron-Post-Training-Dataset": {
        "input": [{"role": "user", "content": "Name a fish."}],
        "output": "<think>\nA fish.\n</think>\nTrout",
        "category": "chat",
        "license": "cc-by-4.0",
        "reasoning": "on",
        "generator": "DeepSeek-R1",
        "used_in_training": "yes",
        "version": "v1",
        "system_prompt": "detailed thinking on",
    },
    "allenai/WildChat-1M": {
        "conversation_hash": "cf1267ca6b2f6fccc9c36652a00059a1",
        "model": "gpt-4-0314",
        "timestamp": datetime.datetime(2023, 4, 9, 0, 2, tzinfo=datetime.UTC),
        "conversation": [
            {
                "content": "Name a fish.",
                "country": None,
                "hashed_ip": None,
                "language": "English",
                "redacted": False,
                "role": "user",
                "timestamp": datetime.datetime(2023, 4, 9, 0, 1, tzinfo=datetime.UTC),
                "toxic": False,
            },
            {
                "content": "Trout",
                "country": None,
                "hashed_ip": None,
                "language": "English",
                "redacted": False,
                "role": "assistant",
                "timestamp": None,
                "toxic": False,
            },
        ],
        "turn": 1,
        "language": "English",
        "openai_moderation": [{"categories": {"hate": False}, "flagged": False}],
        "toxic": False,
        "redacted": False,
    },
    "HuggingFaceFW/fineweb": {
        "text": "How to paint a fence: clean it first.",
        "id": "<urn:uuid:39147604-bfbe-4ed5-b19c-54105f8ae8a7>",
        "dump": "CC-MAIN-2013-20",
        "url": "http://example.com/fence",
        "date": "2013-05-18T05:48:59Z",
        "file_path": "s3://commoncrawl/x.warc.gz",
        "language": "en",
        "language_score": 0.8232095837593079,
        "token_count": 717,
    },
}
