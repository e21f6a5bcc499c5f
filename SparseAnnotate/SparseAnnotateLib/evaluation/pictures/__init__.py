"""One picture that says what was painted, what was predicted and how good it is; drawn without matplotlib."""
