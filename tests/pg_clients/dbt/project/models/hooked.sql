-- A table with statements before and after it.
{{ config(materialized='table',
  pre_hook="insert into {{ target.schema }}.hooks values ('before')",
  post_hook=["insert into {{ target.schema }}.hooks values ('after')",
             {"sql": "analyze {{ this }}", "transaction": false}]) }}
select 1 as one
