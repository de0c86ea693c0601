-- Incremental; from the second run on a column is gone and another has a wider type.
{{ config(materialized='incremental', unique_key='id', on_schema_change='sync_all_columns') }}
select {% if is_incremental() %} id::bigint as id {% else %} id, weight {% endif %}
from {{ source('raw', 'pickings') }}
