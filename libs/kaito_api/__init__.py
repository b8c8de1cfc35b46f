"""The custom resources through which the services communicate: types, CRDs, reasons, labels."""
