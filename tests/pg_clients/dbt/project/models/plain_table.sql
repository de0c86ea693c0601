-- A table over the view, joined with the seed.
{{ config(materialized='table') }}
select p.id, p.garden, g.name, p.weight, date_trunc('month', p.picked)::date as month
from {{ ref('plain_view') }} p join {{ ref('gardens') }} g on g.id = p.garden
