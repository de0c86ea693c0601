-- Incremental by whole days.
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day',
          unique_key='id', batch_size='day', begin='2024-03-01', lookback=1) }}
select id, picked::timestamp as day from {{ source('raw', 'pickings') }}
