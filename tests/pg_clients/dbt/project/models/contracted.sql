-- A table whose columns, types and constraints are the contract in models.yml.
{{ config(materialized='table') }}
select id, quality::varchar(20) as quality, weight from {{ source('raw', 'pickings') }}
