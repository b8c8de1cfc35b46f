"""`python -m tools.chartgen` writes every chart's values.schema.json. A test compares."""

from tools.chartgen.files import files


def main() -> None:
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
