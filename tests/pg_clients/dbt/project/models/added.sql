-- Incremental without a key: new rows are added.
{{ config(materialized='incremental', incremental_strategy='append') }}
select id, weight from {{ source('raw', 'pickings') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
