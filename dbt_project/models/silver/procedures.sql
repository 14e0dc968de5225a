{{ unite('procedures') }}
