"""Secrets that show what they are: keys and tokens of known makers, wherever they stand.

The shapes are those that public scanners such as gitleaks look for.
"""

import re

_MAKERS = (
    # Kaito's own: its id, which is public, stays.
    r"(?<=kaito-[a-z0-9]{10}-)[A-Za-z0-9]{24,}",
    # Hugging Face, GitHub, GitLab, npm, PyPI.
    r"hf_\w{8,}|api_org_\w{16,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|gl(?:pat|rt|ptt|dt)-[\w\-]{8,}",
    r"npm_\w{20,}|pypi-[\w\-]{16,}",
    # Azure: a secret of an application. Databricks.
    r"(?<![\w~.\-])[\w~.\-]{3}\dQ~[\w~.\-]{30,40}|dapi[0-9a-f]{32}",
    # AWS and Google.
    r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{12,}|AIza[\w\-]{20,}|ya29\.[\w\-]{10,}|GOCSPX-[\w\-]{10,}",
    # Models and their tools: OpenAI, Anthropic, NVIDIA, Groq, Replicate, LangSmith.
    r"\bsk-[\w\-]{8,}|nvapi-[\w\-]{16,}|gsk_\w{16,}|\br8_\w{30,}|lsv2_(?:pt|sk)_\w{16,}",
    # Chats, and their webhooks, whose path is the secret.
    r"xox[abeoprs]-[\w\-]{8,}|xapp-[\w\-]{8,}|\bbot\d{6,}:[\w\-]{20,}",
    r"hooks\.slack\.com/\S+|discord(?:app)?\.com/api/webhooks/\S+|\.webhook\.office\.com/\S+",
    # Payments and mail.
    r"(?:sk|rk|pk)_(?:live|test)_\w{8,}|whsec_\w{8,}|SG\.[\w\-]{8,}\.[\w\-]{8,}|\bSK[0-9a-f]{32}\b",
    r"\bkey-[0-9a-zA-Z]{32}\b",
    # Vault, age, DigitalOcean.
    r"\bhv[sbr]\.[\w\-]{16,}|\bs\.[A-Za-z0-9]{24}\b|AGE-SECRET-KEY-1[0-9A-Z]{20,}|do[opr]_v1_\w{32,}",
    # JSON Web Tokens, and any long text in base64.
    r"eyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?|[A-Za-z0-9+/]{64,}={0,2}",
)
SHAPES = re.compile("|".join(_MAKERS))
KEY_BLOCKS = re.compile(
    r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)"
    r"|PuTTY-User-Key-File-\d:.*?(?:Private-MAC: \S+|\Z)",
    re.DOTALL,
)
