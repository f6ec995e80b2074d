"""Which names wandb has: so that one which is not here yet says so instead of looking like a typo.

Read only when a name was asked for in vain; nothing imports this module before.

The tables list the public modules and names of wandb 0.31.0, and the names which earlier releases
had and code still uses. They are matched against, never imported.
"""

from __future__ import annotations

import sys
from functools import cache

from synadb.errors import NotYetSupportedError

_PACKAGE = __name__.rpartition(".")[0]

# One module a line, `module: its public names`; `wandb` itself comes first.
_NAMES = """\
wandb: _assert_is_internal_process _assert_is_user_process _attach _IS_INTERNAL_PROCESS _Sentry
  _sentry _set_internal_process _sync _teardown agent agents alert AlertLevel analytics Api api
  apis Artifact ArtifactTTL attach Audio box3d catboost Classes CommError Config config controller
  data_types define_metric docker ensure_configured env Error errors EvalTable finish Graph gym
  helper Histogram Html Image init integration InternalApi join JoinedTable jupyter keras lightgbm
  link_model load_ipython_extension log log_artifact log_model login magic mark_preempting
  Molecule Object3D patched pin_config_keys plot plot_table Plotly plots profiler proto PublicApi
  require restore Run run sacred sagemaker_auth save sdk set_trace Settings setup sklearn summary
  superagent sweep Table teardown tensorboard tensorflow termerror termlog termsetup termwarn
  trigger unwatch UsageError use_artifact use_model util Video visualize wandb_agent wandb_lib
  wandb_sdk wandb_torch watch xgboost
agents.pyagent: Agent is_running Job pyagent RunStatus
apis: Api env InternalApi PublicApi
apis.attrs: Attrs
apis.internal: Api InternalApi
apis.normalize: normalize_exceptions
apis.paginator: Paginator RelayPaginator SizedPaginator SizedRelayPaginator
apis.public: AgentRuns Api ArtifactCollection ArtifactCollections ArtifactFiles Artifacts
  ArtifactType ArtifactTypes Automations BetaReport ConsoleLogLine ConsoleLogs
  DownloadHistoryResult File FILE_FRAGMENT Files HistoryScan IncompleteRunHistoryError
  Integrations Job Member Organization PanelMetricsHelper Project ProjectArtifactCollections
  Projects PythonMongoishQueryGenerator QueryGenerator QueuedRun Registries Registry Reports Run
  RUN_FRAGMENT RunArtifacts RunNotFoundError RunQueue RunQueueAccessType
  RunQueuePrioritizationMode RunQueueResourceType Runs SlackIntegrations Sweep Sweeps Team User
  WebhookIntegrations
apis.public.api: Api
apis.public.artifacts: ArtifactCollection ArtifactCollections ArtifactFiles Artifacts ArtifactType
  ArtifactTypes ProjectArtifactCollections RunArtifacts
apis.public.automations: Automations EntityAutomations LegacyAutomations LegacyEntityAutomations
apis.public.console_logs: ConsoleLogLine ConsoleLogs
apis.public.const: RETRY_TIMEDELTA
apis.public.files: File FILE_FRAGMENT Files
apis.public.history: HistoryScan
apis.public.integrations: IntegrationFields Integrations SlackIntegrations WebhookIntegrations
apis.public.jobs: Job QueuedRun RunQueue RunQueueAccessType RunQueuePrioritizationMode
  RunQueueResourceType
apis.public.organizations: Organization
apis.public.projects: Project Projects
apis.public.query_generator: QueryGenerator
apis.public.reports: BetaReport PanelMetricsHelper PythonMongoishQueryGenerator Reports
apis.public.runhistory: DownloadHistoryResult IncompleteRunHistoryError
  wait_for_download_with_progress
apis.public.runhistory.downloads: DownloadHistoryResult IncompleteRunHistoryError
  wait_for_download_with_progress
apis.public.runs: AgentRuns LIGHTWEIGHT_RUN_FRAGMENT LIGHTWEIGHT_RUN_FRAGMENT_NAME Run
  RUN_FRAGMENT RUN_FRAGMENT_NAME RunNotFoundError Runs WANDB_INTERNAL_KEYS
apis.public.service_api: ServiceApi
apis.public.summary: DEEP_SUMMARY_FNAME H5_TYPES HTTPSummary Summary SummarySubDict
apis.public.sweeps: Agent Sweep Sweeps SweepState
apis.public.teams: Member Team
apis.public.users: User
apis.public.utils: fetch_org_from_settings_or_entity parse_org_from_registry_path
  parse_s3_url_to_s3_uri PathType
catboost: log_summary WandbCallback
data_types: _AudioFileType _BokehFileType _dtypes _ForeignIndexType _ForeignKeyType _ImageFileType
  _JoinedTableType _json_helper _nest _numpy_arrays_to_lists _PartitionedTableType
  _PartitionTablePartEntry _PrimaryKeyType _TableIndex _TableKey _TableLinkMixin _TableType Audio
  BatchableMedia Bokeh BoundingBoxes2D box3d Classes Edge EvalTable Graph Histogram
  history_dict_to_json Html Image ImageMask is_numpy_array JoinedTable Media MEDIA_TMP Molecule
  Node Object3D PartitionedTable Plotly Table val_to_json Video WBTraceTree WBValue
env: _DISABLE_SERVICE _REQUIRE_CORE _REQUIRE_LEGACY_SERVICE AGENT_DISABLE_FLAPPING
  AGENT_KILL_DELAY AGENT_MAX_INITIAL_FAILURES AGENT_REPORT_INTERVAL ANONYMOUS API_KEY APP_URL ARGS
  ARTIFACT_DIR ARTIFACT_FETCH_FILE_URL_BATCH_SIZE BASE_URL CACHE_DIR CONFIG_DIR CONFIG_PATHS
  CORE_DEBUG core_debug CORE_ERROR_REPORTING core_error_reporting_enabled CRASH_NOSYNC_TIME
  CREDENTIALS_FILE DATA_DIR dcgm_profiling_enabled DEBUG DESCRIPTION DIR DISABLE_CODE DISABLE_GIT
  disable_git DISABLE_ORJSON DISABLE_SSL DOCKER ENABLE_DCGM_PROFILING ENTITY Env ERROR_REPORTING
  error_reporting_enabled FILE_PUSHER_TIMEOUT get_agent_kill_delay get_agent_max_initial_failures
  get_agent_report_interval get_app_url get_args get_artifact_dir
  get_artifact_fetch_file_url_batch_size get_base_url get_cache_dir get_config_paths
  get_crash_nosync_time get_credentials_file get_data_dir get_description get_dir get_docker
  get_entity get_error_reporting get_file_pusher_timeout get_http_timeout get_ignore
  get_launch_queue_entity get_launch_queue_name get_launch_trace_id get_magic get_organization
  get_project get_run get_show_run get_tags get_use_v1_artifacts get_user_email get_username
  GIT_COMMIT GIT_REMOTE_URL GIT_ROOT HOST HTTP_TIMEOUT IDENTITY_TOKEN_FILE IGNORE immutable_keys
  INIT_TIMEOUT INITED is_debug is_offline is_quiet is_require_core is_require_legacy_service
  is_silent JOB_TYPE JUPYTER LAUNCH_QUEUE_ENTITY LAUNCH_QUEUE_NAME LAUNCH_TRACE_ID MAGIC MODE NAME
  NOTEBOOK_NAME NOTES ORGANIZATION PROGRAM PROJECT QUIET RESUME RUN_DIR RUN_GROUP RUN_ID
  RUN_STORAGE_ID SAVE_CODE SENTRY_DSN SERVICE set_entity set_project should_save_code SHOW_RUN
  SILENT ssl_disabled START_METHOD strtobool SWEEP_ID SWEEP_PARAM_PATH TAGS USE_V1_ARTIFACTS
  USER_EMAIL USERNAME
errors: AuthenticationError CommError DockerError Error ExecutionError LaunchError LogError
  LogMultiprocessError MultiprocessError RequireError SweepError UnsupportedError UsageError
  WaitTimeoutError WandbCoreNotAvailableError
errors.ansi: wrap_ansi
errors.errors: AuthenticationError CommError Error UnsupportedError UsageError
  WandbCoreNotAvailableError
errors.links: Registry url_registry WBURL
errors.term: can_use_terminput confirm dynamic_text DynamicBlock ERROR_STRING LOG_STRING
  NotATerminalError SupportsLeveledLogging termerror terminput termlog termsetup termwarn
  WARN_STRING
errors.util: from_exception_map ProtobufErrorHandler to_exception_map
errors.warnings: WandbWarning
fastai: FastaiError WandbCallback
integration.catboost: log_summary WandbCallback
integration.catboost.catboost: log_summary WandbCallback
integration.cohere: autolog
integration.diffusers: autolog
integration.dspy: WandbDSPyCallback
integration.fastai: FastaiError WandbCallback
integration.gym: GymLib monitor
integration.huggingface: autolog
integration.keras: WandbCallback WandbEvalCallback WandbMetricsLogger WandbModelCheckpoint
integration.keras.callbacks: WandbEvalCallback WandbMetricsLogger WandbModelCheckpoint
integration.keras.callbacks.metrics_logger: LogStrategy WandbMetricsLogger
integration.keras.callbacks.model_checkpoint: Mode SaveStrategy WandbModelCheckpoint
integration.keras.callbacks.tables_builder: WandbEvalCallback
integration.keras.keras: patch_tf_keras
integration.kfp: patch_kfp unpatch_kfp wandb_log
integration.langchain: WandbTracer
integration.lightgbm: CallbackEnv log_summary MAXIMIZE_METRICS MINIMIZE_METRICS wandb_callback
  wb_telemetry
integration.lightning.fabric: WandbLogger
integration.lightning.fabric.logger: WandbLogger
integration.metaflow: wandb_log wandb_track wandb_use
integration.openai: autolog
integration.openai.fine_tuning: WandbLogger
integration.sacred: WandbObserver
integration.sb3: WandbCallback
integration.sb3.sb3: WandbCallback
integration.sklearn: plot_calibration_curve plot_class_proportions plot_classifier plot_clusterer
  plot_confusion_matrix plot_elbow_curve plot_feature_importances plot_learning_curve
  plot_outlier_candidates plot_precision_recall plot_regressor plot_residuals plot_roc
  plot_silhouette plot_summary_metrics
integration.sklearn.plot: plot_calibration_curve plot_class_proportions plot_classifier
  plot_clusterer plot_confusion_matrix plot_elbow_curve plot_feature_importances
  plot_learning_curve plot_outlier_candidates plot_precision_recall plot_regressor plot_residuals
  plot_roc plot_silhouette plot_summary_metrics
integration.tensorboard: patch reset_state tf_summary_to_dict unpatch
integration.tensorflow: WandbHook
integration.tensorflow.estimator_hook: WandbHook
integration.ultralytics: add_wandb_callback WandBUltralyticsCallback
integration.xgboost: wandb_callback WandbCallback
integration.xgboost.xgboost: MAXIMIZE_METRICS MINIMIZE_METRICS wandb_callback WandbCallback
jupyter: attempt_colab_load_ipynb attempt_kaggle_load_ipynb display_if_magic_is_used
  jupyter_servers_and_kernel_id Notebook notebook_metadata
  notebook_metadata_from_jupyter_servers_and_kernel_id WandBMagics
keras: WandbCallback WandbEvalCallback WandbMetricsLogger WandbModelCheckpoint
lightgbm: CallbackEnv log_summary MAXIMIZE_METRICS MINIMIZE_METRICS wandb_callback wb_telemetry
old.summary: HTTPSummary Summary SummarySubDict
plot: bar confusion_matrix CustomChart histogram line line_series plot_table pr_curve roc_curve
  scatter Visualize visualize
plot.bar: bar
plot.confusion_matrix: confusion_matrix
plot.custom_chart: CustomChart CustomChartSpec plot_table
plot.histogram: histogram
plot.line: line
plot.line_series: line_series
plot.pr_curve: pr_curve
plot.roc_curve: roc_curve
plot.scatter: scatter
plot.utils: encode_labels
plot.viz: Visualize visualize VisualizeSpec
plots: explain_text HeatMap heatmap named_entity NER part_of_speech POS precision_recall ROC roc
sacred: WandbObserver
sdk: AlertLevel Artifact Config controller finish helper init login require Settings setup Summary
  sweep teardown
sdk.artifacts.artifact: Artifact
sdk.artifacts.artifact_file_cache: ArtifactFileCache artifacts_cache_dir get_artifact_file_cache
  Opener
sdk.artifacts.artifact_manifest: ArtifactManifest
sdk.artifacts.artifact_manifest_entry: ArtifactManifestEntry DIGEST_ALGORITHM_EXTRA_KEY
  DIGEST_ALGORITHM_TO_STR
sdk.artifacts.artifact_state: ArtifactState
sdk.artifacts.artifact_ttl: ArtifactTTL
sdk.artifacts.exceptions: ArtifactFinalizedError ArtifactNotLoggedError ArtifactStatusError
  ArtifactT TooFewItemsError TooManyItemsError WaitTimeoutError
sdk.data_types._dtypes: AnyType BooleanType ConstType ConvertibleToType InvalidType ListType
  NDArrayType NoneType NumberType OptionalType PythonObjectType StringType TimestampType Type
  TypedDictType TypeRegistry UnionType UnknownType
sdk.data_types.audio: Audio
sdk.data_types.base_types.json_metadata: JSONMetadata
sdk.data_types.base_types.media: BatchableMedia Media
sdk.data_types.base_types.wb_value: TypeMappingType WBValue
sdk.data_types.bokeh: Bokeh
sdk.data_types.eval_table: EvalTable UnsupportedMediaMode
sdk.data_types.eval_table.eval_table: EVAL_TABLE_ROW_INDEX_KEY EvalTable UnsupportedMediaMode
  validate_unsupported_media_mode
sdk.data_types.graph: Edge Graph Node
sdk.data_types.helper_types.bounding_boxes_2d: BoundingBoxes2D
sdk.data_types.helper_types.classes: Classes
sdk.data_types.helper_types.image_mask: ImageMask
sdk.data_types.histogram: Histogram NumpyHistogram
sdk.data_types.html: Html
sdk.data_types.image: Image ImageDataOrPathType ImageDataType TorchTensorType
sdk.data_types.molecule: Molecule RDKitDataType
sdk.data_types.object_3d: Box3D box3d Camera FileFormat3D numeric Object3D Point Point3D
  Point3DWithCategory Point3DWithColors PointCloudType Quaternion RGBColor Vector3D
sdk.data_types.plotly: Plotly ValToJsonType
sdk.data_types.saved_model: DEBUG_MODE PicklingSavedModelObjType SavedModelObjType
sdk.data_types.table: ColumnKey InputRow JoinedTable LogMode PartitionedTable Table
sdk.data_types.table_decorators: allow_incremental_logging_after_append
  allow_relogging_after_mutation ensure_not_incremental
sdk.data_types.trace_tree: Result Span SpanKind StatusCode Trace TraceAttribute WBTraceTree
sdk.data_types.utils: history_dict_to_json val_to_json ValToJsonType
sdk.data_types.video: util Video write_gif_with_image_io
sdk.lib: lazyloader RunDisabled RunMoment SummaryDisabled
sdk.lib.apikey: api_key prompt_api_key write_key
sdk.lib.config_util: ConfigError dict_from_config_file dict_from_proto_list
  dict_no_value_from_proto_list dict_strip_value_dict merge_dicts save_config_file_from_dict
sdk.lib.disabled: RunDisabled SummaryDisabled
sdk.lib.filenames: CONDA_ENVIRONMENTS_FNAME CONFIG_FNAME DIFF_FNAME EVENTS_FNAME exclude_wandb_fn
  filtered_dir HISTORY_FNAME is_wandb_file METADATA_FNAME OUTPUT_FNAME REQUIREMENTS_FNAME
  SUMMARY_FNAME WANDB_DIRS
sdk.lib.filesystem: are_paths_on_same_drive check_exists copy_or_overwrite_changed CRDedupedFile
  files_in FilesDict GlobStr link_or_copy link_or_copy_with_policy LinkStats mkdir_allow_fallback
  mkdir_exists_ok path_fallbacks PolicyName PROBLEMATIC_PATH_CHARS reflink safe_copy safe_open
  system_preferred_path unlink_path validate_glob_path WriteSerializingFile
sdk.lib.hashutil: b64_to_hex_id B64Digest ETag Hasher hex_to_b64_id HexDigest md5_file_b64
  md5_file_hex md5_string xxh128_file_b64 xxh128_file_hex xxh128_string
sdk.lib.import_hooks: ImportHookFinder notify_module_loaded register_post_import_hook
  unregister_all_post_import_hooks unregister_post_import_hook
sdk.lib.ipython: in_ipython in_jupyter in_notebook in_vscode_notebook jupyter_progress_bar
  ProgressWidget PythonType toggle_button
sdk.lib.json_util: dump dumps load loads
sdk.lib.lazyloader: LazyLoader
sdk.lib.module: set_global unset_globals
sdk.lib.paths: FilePathStr LogicalPath StrPath URIStr validate_fspath validate_relpath
sdk.lib.preinit: PreInitCallable PreInitObject
sdk.lib.printer: CRITICAL DEBUG DynamicText ERROR FATAL INFO new_printer NOTSET Printer WARN
  WARNING
sdk.lib.redirect: ANSI_BG ANSI_BG_DEFAULT ANSI_CSI_RE ANSI_FG ANSI_FG_DEFAULT ANSI_OSC_RE
  ANSI_RESET ANSI_STYLES ANSI_STYLES_REV Char Cursor Redirect RedirectBase SEP_RE StreamRawWrapper
  StreamWrapper TerminalEmulator
sdk.lib.retry: Backoff ExponentialBackoff retriable Retry retry_async RetryCancelledError
  SLEEP_ASYNC_FN SLEEP_FN TransientError
sdk.lib.runid: generate_fast_id generate_id
sdk.lib.telemetry: context list_telemetry_imports MATCH_RE TelemetryImports TelemetryRecord
sdk.mailbox: HandleAbandonedError Mailbox MailboxClosedError MailboxHandle ServerResponseError
sdk.wandb_alerts: AlertLevel
sdk.wandb_config: Config ConfigStatic
sdk.wandb_helper: parse_config
sdk.wandb_init: init try_create_root_dir
sdk.wandb_login: login
sdk.wandb_metric: Metric
sdk.wandb_require: require
sdk.wandb_run: ArtifactSourceDict finish GitSourceDict ImageSourceDict JobSourceDict RE_LABEL
  restore Run RunStatus RunStatusChecker TeardownHook TeardownStage
sdk.wandb_settings: CLIENT_ONLY_SETTINGS HISTORY_VALUE_ENCODING_DEFAULT
  HISTORY_VALUE_ENCODING_JSON HISTORY_VALUE_ENCODING_TYPED HISTORY_VALUE_ENCODINGS Settings
sdk.wandb_setup: Logger setup singleton teardown
sdk.wandb_summary: Summary SummaryDict SummarySubDict
sdk.wandb_sweep: controller sweep
sklearn: chart_limit get_named_labels plot_calibration_curve plot_class_proportions
  plot_classifier plot_clusterer plot_confusion_matrix plot_decision_boundaries plot_elbow_curve
  plot_feature_importances plot_learning_curve plot_outlier_candidates plot_precision_recall
  plot_regressor plot_residuals plot_roc plot_silhouette plot_summary_metrics roc round_2 round_3
  summary_metrics
trigger: call register reset unregister
util: add_import_hook alias_is_version_index api_to_app_url app_url apple_gpu_stats_binary
  are_paths_on_same_drive artifact_to_json async_call AuthenticationError auto_project_name
  b64_to_hex_id batched bytes_to_hex capture_exception capture_message cast_dictlike_to_dict
  check_and_warn_old check_dict_contains_nested_artifact check_retry_commit_artifact
  check_retry_conflict check_retry_conflict_or_gone check_windows_valid_filename CheckRetryFnType
  class_colors coalesce CommError convert_plots DOCKER_IMAGE_NAME_SEPARATOR docker_image_regex
  download_file_from_url download_file_into_memory downsample ensure_matplotlib_figure ensure_text
  env error_reporting_enabled find_runner from_human_size fsync_open generate_id get_app_url
  get_core_path get_full_typename get_h5_typename get_jax_tensor get_local_path_or_none
  get_log_file_path get_module get_optional_module get_platform_name guess_data_type
  handle_sweep_config_violations has_num hex_to_b64_id host_from_path image_from_docker_args
  image_id_from_k8s import_module_lazy ImportMetaHook InstalledDistribution
  is_fastai_tensor_typename IS_GIT is_jax_tensor_typename is_matplotlib_typename is_numpy_array
  is_pandas_data_frame is_pandas_data_frame_typename is_plotly_figure_typename is_plotly_typename
  is_pytorch_tensor is_pytorch_tensor_typename is_tf_eager_tensor_typename is_tf_tensor
  is_tf_tensor_typename is_unicode_safe is_uri isatty json_dump_safer json_dump_uncompressed
  json_dumps_safer json_dumps_safer_history json_friendly json_friendly_val
  JSONEncoderUncompressed launch_browser LAUNCH_JOB_ARTIFACT_SLOT_NAME LazyLoader LazyModule
  LazyModuleState load_json_yaml_dict load_yaml local_file_uri_to_path LogicalFilePathStr
  make_artifact_name_safe make_check_retry_fn make_docker_image_name_safe
  make_file_path_upload_safe make_json_if_not_number make_safe_for_json make_tarfile
  matplotlib_contains_images matplotlib_to_plotly MAX_LINE_BYTES MAX_LINE_SIZE
  maybe_compress_history maybe_compress_summary md5_file merge_dicts mkdir_exists_ok no_retry_4xx
  no_retry_auth NonOctalStringDumper pandas_spec parse_artifact_string
  parse_backend_error_messages parse_sweep_id parse_tfjob_config parse_version pd_available
  PLATFORM_BSD PLATFORM_DARWIN PLATFORM_LINUX PLATFORM_UNKNOWN PLATFORM_WINDOWS POW_10_BYTES
  POW_2_BYTES PreInitObject prompt_choices rand_alphanumeric random_string
  RE_DOCKER_IMAGE_NAME_CHARS RE_DOCKER_IMAGE_NAME_SEPARATOR_END
  RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT RE_DOCKER_IMAGE_NAME_SEPARATOR_START RE_WINFNAMES
  read_many_from_queue recursive_cast_dictlike_to_dict remove_keys_with_none_values
  sample_with_exponential_decay_weights sentry_client sentry_default_dsn SENTRY_DSN sentry_dsn
  SENTRY_ENV sentry_exc sentry_hub sentry_message sentry_reraise sentry_set_scope stopwatch_now
  sweep_config_err_text_from_jsonschema_violations term time_string_to_seconds
  to_forward_slash_path to_human_size to_native_slash_path uri_from_path URIStr VALUE_BYTES_LIMIT
  vendor_import vendor_setup wandb_dir WandBHistoryJSONEncoder WandBJSONEncoder
  WandBJSONEncoderOld working_set
wandb_agent: Agent agent AgentError AgentProcess run_agent ShutdownSignal TerminationTier
wandb_controller: ControllerError SWEEP_INITIAL_RUN_STATE sweeps
wandb_run: Run
xgboost: wandb_callback WandbCallback
"""

# Modules whose names are of no interest here.
_MODULES = """\
agents apis.internal_runqueue integration integration.cohere.cohere integration.cohere.resolver
integration.diffusers.autologger integration.diffusers.pipeline_resolver
integration.diffusers.resolvers integration.diffusers.resolvers.multimodal
integration.diffusers.resolvers.utils integration.dspy.dspy integration.huggingface.huggingface
integration.huggingface.resolver integration.kfp.helpers integration.kfp.kfp_patch
integration.kfp.wandb_log_v1 integration.kfp.wandb_log_v2 integration.kfp.wandb_logging
integration.langchain.wandb_tracer integration.lightning integration.magic
integration.metaflow.data_pandas integration.metaflow.data_pytorch
integration.metaflow.data_sklearn integration.metaflow.errors integration.metaflow.metaflow
integration.openai.openai integration.openai.resolver integration.prodigy
integration.prodigy.prodigy integration.sagemaker integration.sagemaker.auth
integration.sagemaker.config integration.sagemaker.files integration.sagemaker.resources
integration.sklearn.plot.classifier integration.sklearn.plot.clusterer
integration.sklearn.plot.regressor integration.sklearn.plot.shared integration.sklearn.utils
integration.tensorboard.log integration.tensorboard.monkeypatch integration.torch
integration.torch.wandb_torch integration.ultralytics.bbox_utils integration.ultralytics.callback
integration.ultralytics.classification_utils integration.ultralytics.mask_utils
integration.ultralytics.pose_utils integration.weave integration.weave.interface
integration.weave.media_adapters integration.weave.weave magic sdk.artifacts
sdk.artifacts.artifact_cache sdk.artifacts.artifact_download_logger
sdk.artifacts.artifact_instance_cache sdk.artifacts.artifact_manifests
sdk.artifacts.artifact_manifests.artifact_manifest_v1 sdk.artifacts.artifact_saver
sdk.artifacts.artifacts_cache sdk.artifacts.staging sdk.artifacts.storage_handler
sdk.artifacts.storage_handlers sdk.artifacts.storage_handlers.azure_handler
sdk.artifacts.storage_handlers.gcs_handler sdk.artifacts.storage_handlers.http_handler
sdk.artifacts.storage_handlers.local_file_handler sdk.artifacts.storage_handlers.multi_handler
sdk.artifacts.storage_handlers.s3_handler sdk.artifacts.storage_handlers.tracking_handler
sdk.artifacts.storage_handlers.wb_artifact_handler
sdk.artifacts.storage_handlers.wb_local_artifact_handler sdk.artifacts.storage_layout
sdk.artifacts.storage_policies sdk.artifacts.storage_policies.register
sdk.artifacts.storage_policies.wandb_storage_policy sdk.artifacts.storage_policy sdk.data_types
sdk.data_types.base_types sdk.data_types.helper_types sdk.integration_utils
sdk.integration_utils.auto_logging sdk.integration_utils.data_logging sdk.lib.asyncio_compat
sdk.lib.asyncio_manager sdk.lib.capped_dict sdk.lib.console sdk.lib.console_capture
sdk.lib.credentials sdk.lib.deprecate sdk.lib.deprecated_api sdk.lib.deprecation
sdk.lib.exit_hooks sdk.lib.file_stream_utils sdk.lib.fsm sdk.lib.git sdk.lib.gitlib
sdk.lib.gql_request sdk.lib.handler_util sdk.lib.identity sdk.lib.interrupt sdk.lib.logger_capture
sdk.lib.mailbox sdk.lib.noop_run sdk.lib.printer_asyncio sdk.lib.progress sdk.lib.proto_util
sdk.lib.ratelimit sdk.lib.reporting sdk.lib.run_messages sdk.lib.run_moment sdk.lib.run_stopping
sdk.lib.server sdk.lib.service_connection sdk.lib.service_token sdk.lib.settings_file
sdk.lib.sock_client sdk.lib.sparkline sdk.lib.timed_input sdk.lib.timer sdk.lib.tracelog
sdk.lib.urls sdk.lib.viz sdk.lib.wb_logging sdk.lib.wbauth sdk.lib.wbauth.auth
sdk.lib.wbauth.authenticate sdk.lib.wbauth.host_url sdk.lib.wbauth.prompt sdk.lib.wbauth.saas
sdk.lib.wbauth.settings sdk.lib.wbauth.validation sdk.lib.wbauth.wbnetrc sdk.lib.wburls
sdk.wandb_artifacts sdk.wandb_history sdk.wandb_manager sdk.wandb_metadata
sdk.wandb_require_helpers sdk.wandb_save sdk.wandb_sync sdk.wandb_watch sklearn.plot
sklearn.plot.classifier sklearn.plot.clusterer sklearn.plot.regressor sklearn.plot.shared
sklearn.utils tensorflow gym wandb_torch
"""

# Packages that are wandb's own business from top to bottom: any module below them.
_WHOLE = """\
_filters _pydantic analytics apis._generated apis.importers apis.public.registries apis.reports
apis.workspaces automations beta bin cli compat docker filesync integration.sklearn.calculate
integration.yolov8 mpmain old plots proto sandbox sdk.artifacts._generated sdk.artifacts._internal
sdk.backend sdk.interface sdk.internal sdk.launch sdk.lib.auth sdk.lib.service sdk.mailbox
sdk.service sdk.sweeps sdk.verify server sklearn.calculate superagent sweeps sync testing vendor
viz
"""

# `class: its public members`.
_CLASSES = """\
Api: api_key artifact artifact_collection artifact_collection_exists artifact_collections
  artifact_exists artifact_type artifact_types artifact_versions artifacts automation automations
  client create_automation create_custom_chart create_project create_registry create_report
  create_run create_run_queue create_team create_user default_entity delete_automation flush
  from_path integrations job list_jobs load_report organization project projects queued_job
  queued_run registries registry reports run run_queue runs slack_integrations sweep
  sync_tensorboard team update_automation upsert_run_queue user user_agent users viewer
  webhook_integrations
Artifact: add add_dir add_file add_reference aliases checkout collection commit_hash created_at
  delete description digest digest_algorithm distributed_id download entity expected_type file
  file_count files finalize from_id get get_added_local_path_name get_entry get_path history_step
  id incremental is_draft is_link json_encode link linked_artifacts linked_at logged_by manifest
  metadata name new_draft new_file path_contains_dir_prefix project qualified_name remove save
  should_download_entry size source_artifact source_collection source_entity source_name
  source_project source_qualified_name source_version state tags ttl type unlink updated_at url
  use_as used_by verify version wait
Config: as_dict get items keys merge_locked persist setdefaults update update_locked
Run: _label alert config config_static define_metric dir disabled display entity finish
  finish_artifact get_project_url get_sweep_url get_url group id job_type join link_artifact
  link_model log log_artifact log_code log_model mark_preempting mode name notes offline path
  pin_config_keys plot_table project project_name project_url restore resumed save settings
  start_time starting_step status step summary sweep_id sweep_url sync_dir tags to_html unwatch
  upsert_artifact url use_artifact use_model watch write_logs
Settings: infer_git_root read_system_settings to_proto update_from_dict update_from_env_vars
  update_from_settings update_from_system_environment update_from_system_settings
  validate_mutual_exclusion_of_branching_args validate_skip_transaction_log
Summary: get keys update
Table: add_column add_computed_columns add_data add_row bind_to_run captions cast file_is_set
  from_json get_column get_dataframe get_index get_media_subdir has_been_logged index_ref
  init_from_json is_bound iterrows path_is_reference set_fk set_pk to_data_array to_json
  type_mapping with_suffix
"""


_GONE = "wandb itself has dropped it"
# Beginnings of names that have no local meaning, and why.
_REASONS = {
    "sdk.launch launch job apis.public.jobs docker apis.public.RunQueue apis.public.QueuedRun"
    " apis.public.Job errors.LaunchError errors.ExecutionError errors.DockerError mpmain": "jobs,"
    " their queues and their images are the business of wandb's service",
    "sdk.internal sdk.backend sdk.interface sdk.mailbox sdk.service sdk.lib.service"
    " sdk.lib.mailbox proto sdk.lib.proto sdk.lib.sock errors.util errors.Multi errors.Log"
    " sdk.wandb_manager util.get_core _IS_INTERNAL _assert_is _set_internal"
    " sdk.lib.config_util.dict": "there is no helper process to talk to",
    "apis.internal apis.InternalApi InternalApi apis._generated apis.public.service"
    " apis.public.files.FILE apis.public.runs.RUN_FRAGMENT apis.public.runs.LIGHTWEIGHT"
    " apis.public.FILE apis.public.RUN_FRAGMENT": "there is no service to ask; wandb.Api reads the"
    " local database",
    "apis.public.automations apis.public.Automations automations apis.public.integrations"
    " apis.public.Integrations apis.public.Slack apis.public.Webhook apis.public.organizations"
    " apis.public.Organization apis.public.registries apis.public.Registr apis.public.utils"
    " apis.public.const": "automations, registries and organizations are kept by wandb's service",
    "apis.public.reports apis.public.BetaReport apis.public.Reports apis.public.Panel"
    " apis.public.Python apis.reports apis.workspaces errors.links": "reports and workspaces are"
    " pages of wandb's service",
    "apis.public.runhistory apis.public.Download apis.public.Incomplete": "it fetches histories"
    " that wandb's service has exported; Run.scan_history reads them all",
    "sandbox": "sandboxes are run by wandb's service",
    "sdk.verify sync filesync server superagent": "there is no service to send anything to",
    "sdk.lib.apikey sdk.lib.auth sdk.lib.wbauth sdk.lib.credentials sdk.lib.identity"
    " sdk.lib.settings_file": "there is no account and no key",
    "sdk.lib.url sdk.lib.wburls sdk.lib.retry sdk.lib.ratelimit sdk.lib.gql"
    " sdk.lib.server util.make_check util.check_retry util.no_retry"
    " util.download": "nothing is asked or sent over the network",
    "analytics _Sentry _sentry util.sentry util.SENTRY util.capture": "nothing is reported to"
    " anybody",
    "sdk.wandb_artifacts sdk.artifacts": "artifacts lie in the database, and have no cache and no"
    " staging folder beside it",
    "sdk.sweeps sweeps wandb_agent": "sweeps are kept in the database; wandb.agent and"
    " wandb.controller run them",
    "plots integration.magic magic sdk.integration_utils.data": _GONE,
    "integration.cohere integration.diffusers integration.openai integration.huggingface"
    " integration.dspy integration.langchain integration.weave integration.metaflow": "SynaDB does"
    " not look into calls of this library, beyond what the package itself offers",
    "integration.sklearn.calculate": "the package wandb.integration.sklearn.calculate has its"
    " function",
}
_REASON = "it is a part of the inside of wandb, and SynaDB's is another"


def missing(name: str) -> AttributeError:
    """Return the error for `wandb.<name>`, which is not here: "Image", or "util.generate_id".

    A name that wandb does not have either gives a plain AttributeError.
    """
    module, _, attribute = name.rpartition(".")
    return missing_attribute(f"wandb.{module}" if module else "wandb", attribute)


def missing_attribute(module: str, name: str) -> AttributeError:
    """Return the error to raise from the `__getattr__` of a module, or of a class, of the drop-in.

    `module` is the `__name__` of the module, under either spelling, or "wandb.Run" for a class.
    """
    inside = _inside(module)
    if not name.startswith("__") and _has(inside, name):
        return NotYetSupportedError(_message(_join(inside, name)), name=name)
    kind = "class" if inside in _parsed(_CLASSES) else "module"
    spelled = f"wandb.{inside}" if inside else "wandb"
    # `obj` lets Python add what it might have been: "Did you mean: 'Image'?"
    return AttributeError(
        f"{kind} {spelled!r} has no attribute {name!r}", name=name, obj=sys.modules.get(module)
    )


def missing_import(fullname: str) -> ImportError | None:
    """Return the error for an import of `fullname`, or None where wandb has nothing of that name.

    `from wandb import x` asks for the module `wandb.x` too, when `wandb` has no attribute `x`.
    """
    inside, _, name = _inside(fullname).rpartition(".")
    if _is_module(_join(inside, name)):
        spelled = f"wandb.{_join(inside, name)}"
        return ModuleNotFoundError(_message(_join(inside, name)), name=spelled)
    if _has(inside, name) and not hasattr(sys.modules.get(_package(inside)), name):
        return ImportError(_message(_join(inside, name)), name="wandb")
    return None


def _package(inside: str) -> str:
    return f"{_PACKAGE}.{inside}" if inside else _PACKAGE


def _message(name: str) -> str:
    reason = next(
        (
            reason
            for places, reason in _REASONS.items()
            if any(name.startswith(place) for place in places.split())
        ),
        _REASON,
    )
    where = "was in older versions of wandb" if reason == _GONE else "exists in wandb"
    return f"wandb.{name} {where} and is not supported by SynaDB: {reason}"


def _join(inside: str, name: str) -> str:
    return f"{inside}.{name}" if inside else name


def _inside(module: str) -> str:
    """Dotted name below `wandb`: "" for the package itself."""
    for package in (_PACKAGE, "wandb"):
        if module == package:
            return ""
        if module.startswith(package + "."):
            module = module[len(package) + 1 :]
            break
    # A class may be named by one of the modules it is found in: sdk.wandb_run.Run.
    place, _, name = module.rpartition(".")
    if name in _parsed(_CLASSES) and place.startswith(("sdk.", "wandb_run", "_")):
        return name
    return module


def _has(inside: str, name: str) -> bool:
    # wandb.keras is wandb.integration.keras here, and may have more names there.
    if name in _members().get(inside.removeprefix("integration."), ()):
        return True
    return name in _members().get(inside, ()) or _is_module(_join(inside, name))


def _is_module(name: str) -> bool:
    if name in _modules():
        return True
    return any(name == package or name.startswith(package + ".") for package in _WHOLE.split())


@cache
def _members() -> dict[str, frozenset[str]]:
    """Module or class, without the leading "wandb.", -> its public names."""
    return {**_parsed(_NAMES), **_parsed(_CLASSES)}


@cache
def _modules() -> frozenset[str]:
    """Every module of the tables, and the packages they lie in."""
    parts = [name.split(".") for name in (*_MODULES.split(), *_parsed(_NAMES)) if name]
    return frozenset(".".join(part[:end]) for part in parts for end in range(1, len(part) + 1))


def _parsed(text: str) -> dict[str, frozenset[str]]:
    table = {}
    # A long line goes on, indented, in the next one.
    for line in text.replace("\n  ", " ").splitlines():
        module, _, names = line.partition(":")
        table["" if module == "wandb" else module] = frozenset(names.split())
    return table
