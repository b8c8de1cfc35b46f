"""`python -m tools.docgen` writes docs/reference and the charts' READMEs."""

from tools.docgen.pages import FOLDER, pages


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
