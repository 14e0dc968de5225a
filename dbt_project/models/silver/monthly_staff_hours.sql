{{ unite('monthly_staff_hours') }}
