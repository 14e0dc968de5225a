{{ unite('monthly_census') }}
