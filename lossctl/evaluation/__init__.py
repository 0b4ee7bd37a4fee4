"""Blocks in, one result out: request, plan, partials that merge in any order, reduction."""
