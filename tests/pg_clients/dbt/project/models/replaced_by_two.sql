-- Incremental with a key of two columns.
{{ config(materialized='incremental', unique_key=['garden', 'picked'],
          incremental_strategy='delete+insert') }}
select garden, picked, sum(weight) as weight from {{ source('raw', 'pickings') }} group by 1, 2
