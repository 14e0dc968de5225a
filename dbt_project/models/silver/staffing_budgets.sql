{{ unite('staffing_budgets') }}
