{{ unite('drug_ddds') }}
