{{ history(
    'practitioner_history',
    key='practitioner_id',
    attributes=['home_ward_id', 'role_code', 'specialty_name', 'is_contract']
) }}
