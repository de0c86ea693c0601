-- A materialized view, with an index on it.
{{ config(materialized='materialized_view', indexes=[{'columns': ['garden']}]) }}
select garden, sum(weight) as weight from {{ source('raw', 'pickings') }} group by garden
