-- A table with a unique, a plain and a hash index.
{{ config(materialized='table', indexes=[
  {'columns': ['id'], 'unique': true},
  {'columns': ['garden', 'picked']},
  {'columns': ['quality'], 'type': 'hash'},
]) }}
select id, garden, picked, quality from {{ source('raw', 'pickings') }}
