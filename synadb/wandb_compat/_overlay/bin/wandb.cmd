@echo off
if not defined SYNADB_PYTHON set SYNADB_PYTHON=python
"%SYNADB_PYTHON%" "%~dp0..\wandb\__main__.py" %*
