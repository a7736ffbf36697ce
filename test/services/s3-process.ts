/** `node s3-process.ts FOLDER PORT`: an S3 service that a test can kill and start again. */
import { createS3Server } from '../contract/s3-server.ts'

const [folder = '', port = ''] = process.argv.slice(2)
const server = await createS3Server(folder)
server.listen(Number(port), '127.0.0.1')
