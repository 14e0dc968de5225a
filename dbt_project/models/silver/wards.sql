{{ unite('wards') }}
