-- A table that needs only the source.
{{ config(materialized='table') }}
select garden, count(*) as pickings, sum(weight) as weight, max(picked) as last_picked
from {{ source('raw', 'pickings') }} group by garden
