-- Incremental by MERGE, which leaves the column `first_weight` as it was.
{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge',
          merge_exclude_columns=['first_weight']) }}
select id, weight, weight as first_weight from {{ source('raw', 'pickings') }}
