{{ unite('beds') }}
