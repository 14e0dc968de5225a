{{ unite('patients') }}
