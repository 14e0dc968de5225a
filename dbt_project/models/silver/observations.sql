{{ unite('observations') }}
