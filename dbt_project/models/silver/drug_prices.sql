{{ unite('drug_prices') }}
