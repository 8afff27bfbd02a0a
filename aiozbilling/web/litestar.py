"""Records as return values of Litestar handlers: ``Litestar(..., plugins=[RecordsPlugin()])``.

Litestar encodes with msgspec, which writes the fields of an attrs class only, without computed values. The plugin makes
responses and the OpenAPI schema the same as everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.params import KwargDefinition
from litestar.plugins import InitPlugin, OpenAPISchemaPlugin
from litestar.response import Response
from litestar.serialization import default_serializer
from litestar.typing import FieldDefinition

from aiozbilling.records.fields import descriptions, json_types
from aiozbilling.records.json import to_dict
from aiozbilling.records.record import Record

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.config.app import AppConfig
    from litestar.openapi.spec import Schema

__all__ = ["RecordsPlugin"]


class RecordsPlugin(InitPlugin, OpenAPISchemaPlugin):
    """Lets handlers return records, also in lists, tuples and dicts, and describes them in the OpenAPI schema."""

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Set the application's response class, unless it has set one."""
        if app_config.response_class is None:
            app_config.response_class = _RecordResponse
        return app_config

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Decide whether a type is a record class."""
        return isinstance(value, type) and issubclass(value, Record)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Describe a record class as `to_dict` writes it."""
        kind = field_definition.type_
        texts = descriptions(kind)
        fields = {
            name: FieldDefinition.from_kwarg(type_, name, kwarg_definition=KwargDefinition(description=texts.get(name)))
            for name, type_ in json_types(kind).items()
        }
        return schema_creator.create_component_schema(field_definition, required=list(fields), property_fields=fields)


class _RecordResponse(Response[Any]):
    def render(self, content: Any, media_type: str, enc_hook: Any = default_serializer) -> bytes:
        return super().render(_plain(content), media_type, enc_hook)


def _plain(content: Any) -> Any:
    if isinstance(content, Record):
        return to_dict(content)
    if isinstance(content, list | tuple):
        return [_plain(item) for item in content]
    if isinstance(content, dict):
        return {name: _plain(item) for name, item in content.items()}
    return content
