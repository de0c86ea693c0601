-- Incremental with a key: rows with a known key are deleted and inserted (the default).
{{ config(materialized='incremental', unique_key='id', indexes=[{'columns': ['id']}]) }}
select id, weight, loaded_at from {{ source('raw', 'pickings') }}
{% if is_incremental() %} where loaded_at > (select max(loaded_at) from {{ this }}) {% endif %}
