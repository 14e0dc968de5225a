{{ unite('emergency_visits') }}
