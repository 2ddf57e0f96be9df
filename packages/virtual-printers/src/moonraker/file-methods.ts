import type { Method } from './method.js'
import { booleanParam, stringParam } from './params.js'
import { ServerError } from './server-error.js'
import type { Services } from './services.js'

/** Methods about stored files; upload and download exist over HTTP alone and are routed there. */
export function fileMethods({ files, fileOperations }: Services): readonly Method[] {
  return [
    {
      name: 'server.files.list',
      verb: 'GET',
      path: '/server/files/list',
      run: (params) => files.list(stringParam(params, 'root', 'gcodes')),
    },
    {
      name: 'server.files.metadata',
      verb: 'GET',
      path: '/server/files/metadata',
      run: (params) => {
        const filename = stringParam(params, 'filename')
        const metadata = files.metadata(filename)
        if (!metadata) throw new ServerError(`Metadata not available for <${filename}>`, 404)
        return { ...metadata, filename }
      },
    },
    {
      name: 'server.files.get_directory',
      verb: 'GET',
      path: '/server/files/directory',
      run: (params) => files.directory(stringParam(params, 'path', 'gcodes'), booleanParam(params, 'extended', false)),
    },
    {
      name: 'server.files.roots',
      verb: 'GET',
      path: '/server/files/roots',
      run: () =>
        ['config', 'gcodes'].map((name) => ({ name, path: `/home/pi/printer_data/${name}`, permissions: 'rw' })),
    },
    {
      name: 'server.files.delete_file',
      verb: 'DELETE',
      // Over HTTP the path of the file is in the URL, which the router reads.
      path: '',
      run: (params) => fileOperations.delete(stringParam(params, 'path')),
    },
  ]
}
