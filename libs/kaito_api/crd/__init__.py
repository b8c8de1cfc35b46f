"""The CustomResourceDefinitions, generated from the types beside this package."""
