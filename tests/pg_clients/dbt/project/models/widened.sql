-- Incremental; from the second run on it has another column.
{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}
select id, weight {% if is_incremental() %} , quality {% endif %}
from {{ source('raw', 'pickings') }}
