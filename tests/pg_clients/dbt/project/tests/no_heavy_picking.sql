-- A failing row is kept in a table, and only warned of.
{{ config(severity='warn', store_failures=true) }}
select garden, weight from {{ ref('source_table') }} where weight > 4
