import type { JsonSchema } from './json-schema.js'

const errorRef = { $ref: '#/components/responses/Error' }
const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
const idParameter = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }

const download = (operationId: string, summary: string) => ({
  get: {
    operationId,
    summary,
    tags: ['files'],
    security: [{ bearer: [] }],
    parameters: [idParameter],
    responses: {
      '200': { description: 'The bytes, as an attachment.', content: binary },
      '401': errorRef,
      '404': errorRef,
      default: errorRef,
    },
  },
})

/** The file routes carry bytes, so that they are no procedures and are described by hand. */
export const FILE_OPERATIONS: Readonly<Record<string, JsonSchema>> = {
  '/files': {
    post: {
      operationId: 'files.upload',
      summary: 'Upload a print file',
      description:
        'Send the bytes as the body with the name in the query, or a form with exactly one file. Needs the role operator.',
      tags: ['files'],
      security: [{ bearer: [] }],
      parameters: [
        {
          name: 'name',
          in: 'query',
          required: false,
          description: 'The file’s name; may also come by Content-Disposition or from the form.',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      ],
      requestBody: {
        required: true,
        content: {
          ...binary,
          'multipart/form-data': {
            schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
          },
        },
      },
      responses: {
        '201': { description: 'The stored file.', content: { 'application/json': { schema: { type: 'object' } } } },
        '400': errorRef,
        '401': errorRef,
        '403': errorRef,
        '413': errorRef,
        '415': errorRef,
        '422': errorRef,
        '507': errorRef,
        default: errorRef,
      },
    },
  },
  '/exports/{id}/download': {
    get: {
      operationId: 'exports.download',
      summary: 'Take a finished export',
      description: 'By the link that `exports.get` gives, which needs no login. One range of bytes may be asked for.',
      tags: ['exports'],
      security: [],
      parameters: [
        idParameter,
        { name: 'user', in: 'query', required: true, schema: { type: 'string' } },
        { name: 'expires', in: 'query', required: true, schema: { type: 'string' } },
        { name: 'signature', in: 'query', required: true, schema: { type: 'string' } },
      ],
      responses: {
        '200': { description: 'The bytes, as an attachment.', content: binary },
        '206': { description: 'The bytes of the range.', content: binary },
        '403': errorRef,
        '410': errorRef,
        '416': errorRef,
        default: errorRef,
      },
    },
  },
  '/files/{id}/content': download('files.content', 'Download a file'),
  '/files/{id}/thumbnail': download('files.thumbnail', 'The picture that the slicer put into the file'),
}
