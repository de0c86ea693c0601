-- A table without a log.
{{ config(materialized='table', unlogged=true) }}
select 1 as one
