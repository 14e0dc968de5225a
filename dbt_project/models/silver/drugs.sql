{{ unite('drugs') }}
