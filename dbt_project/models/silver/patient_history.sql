{{ history(
    'patient_history',
    key='patient_id',
    attributes=['family_name', 'given_name', 'phone_number', 'address_line', 'city_name']
) }}
