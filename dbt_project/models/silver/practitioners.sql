{{ unite('practitioners') }}
