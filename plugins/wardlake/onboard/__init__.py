"""A first source YAML and first suites from what a system shows: `wardlake source add`.

| module | what it knows |
|---|---|
| `found` | what was found: tables, columns, and a sample of rows in DuckDB |
| `databases` | tables of a database, with the types that their reader delivers |
| `files` | files, sorted into one table for each pattern of names |
| `content`, `patterns` | the format of a file by its content, and patterns of names |
| `delimited`, `sheets`, `documents`, `columnar` | how a file of a format is read |
| `conventions` | separators of numbers, texts that stand for no value, totals rows |
| `profile` | figures of a column's sample |
| `classes`, `words` | suggested PII classes |
| `keys` | suggested keys |
| `suites` | suggested expectations |
| `draft` | the text of the YAML |
| `add` | all of it, written to the project |
| `commands`, `summary` | the command, and what it tells at its end |
"""
