// The protocol's own TypeScript clients against a running Mahavishnu: node client.mjs 1|2 http URL [KEY] | node client.mjs 1|2 stdio COMMAND ARGUMENT…
// 1 is @modelcontextprotocol/sdk, which begins with the initialize handshake; 2 is @modelcontextprotocol/client on the protocol without it.
import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const [generation, way, ...rest] = process.argv.slice(2);
const library = generation === '1'
  ? { ...await import('@modelcontextprotocol/sdk/client/index.js'), ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js'), ...await import('@modelcontextprotocol/sdk/client/stdio.js') }
  : { ...await import('@modelcontextprotocol/client'), ...await import('@modelcontextprotocol/client/stdio') };

const transport = way === 'http'
  ? new library.StreamableHTTPClientTransport(new URL(rest[0]), { requestInit: rest[1] ? { headers: { Authorization: `Bearer ${rest[1]}` } } : {} })
  : new library.StdioClientTransport({ command: rest[0], args: rest.slice(1), env: process.env, stderr: 'inherit' });
const client = new library.Client({ name: 'mahavishnu-test', version: '1.0.0' }, generation === '1' ? {} : { versionNegotiation: { mode: { pin: '2026-07-28' } } });
await client.connect(transport);

const { tools } = await client.listTools();
const validator = new Ajv2020({ strict: false });
addFormats(validator);
const validators = new Map(tools.map(tool => [tool.name, validator.compile(tool.outputSchema)]));
const called = new Set();

async function call(name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
  const valid = validators.get(name);
  assert.ok(valid(result.structuredContent), `${name}: ${JSON.stringify(valid.errors)}`);
  assert.equal(result.content[0].type, 'text');
  called.add(name);
  return result.structuredContent;
}

const project = `npm-${generation}-${way}-${process.pid}`;
const stored = await call('add_memory', { content: `Tide tables of ${project} hang in the harbour office.`, projectId: project, type: 'insight', sessionId: '' });
assert.equal(stored.status, 'created');
const found = await call('search_memories', { query: 'where do the tide tables hang?', projectId: project, top_k: 3, explain: true });
assert.equal(found.hits[0].id, stored.id);
// What one arm alone found has no rank in the other, and is as valid.
for (const mode of ['text', 'vector'])
  await call('search_memories', { query: 'tide tables', projectId: project, mode, explain: true });
assert.equal((await call('search_memories', { query: 'tide tables', projectId: project, across: true })).hits[0].scope.reason, 'project');
assert.equal((await call('get_memory', { id: stored.id, includeHistory: true })).projectId, project);
assert.equal((await call('list_memories', { projectId: project })).items.length, 1);
assert.equal((await call('update_memory', { id: stored.id, title: 'Tides' })).version, 2);
const turns = [{ role: 'user', content: `Who wrote the tide tables of ${project}?`, clientId: '1' }, { role: 'assistant', content: 'The harbour master.', clientId: '2' }];
const talk = await call('add_conversation', { sessionId: `${project}/talk`, messages: turns, projectId: project });
assert.deepEqual([talk.created, talk.duplicate], [2, 0]);
assert.equal((await call('add_conversation', { sessionId: `${project}/talk`, messages: turns })).duplicate, 2);
const begun = await call('record_workflow', { workflowId: 'tides', goal: `Print the tide tables of ${project}`, status: 'running', id: '' });
const ended = await call('record_workflow', { id: begun.id, workflowId: 'tides', goal: `Print the tide tables of ${project}`, status: 'failed', error: 'Out of paper', repos: ['tide-tables'] });
assert.deepEqual([ended.id, ended.status], [begun.id, 'failed']);
const code = await call('search_code', { query: 'when is high tide printed?', repoId: 'tide-tables' });
assert.ok((await call('memory_status', {})).status);

const read = await client.readResource({ uri: stored.uri });
assert.match(read.contents[0].text, /^Tide tables/);
const conversation = await client.readResource({ uri: talk.uri });
assert.match(conversation.contents[0].text, /Who wrote the tide tables[^]*The harbour master/);
const { resources } = await client.listResources();
assert.ok(resources.some(r => r.uri === talk.uri));
assert.match((await client.readResource({ uri: ended.uri })).contents[0].text, /Out of paper/);
assert.equal(code.hits[0].uri, 'repo://tide-tables/src/print.py');
assert.match((await client.readResource({ uri: code.hits[0].uri })).contents[0].text, /^def print_high_tide/);
assert.deepEqual((await client.listResourceTemplates()).resourceTemplates.map(t => t.name), ['memory', 'conversation', 'repository_file']);
const { prompts } = await client.listPrompts();
assert.ok(prompts.some(p => p.name === 'find_context'));
const prompt = await client.getPrompt({ name: 'find_context', arguments: { topic: 'tide tables', projectId: project } });
assert.match(prompt.messages[0].content.text, /harbour office/);

const refused = await client.callTool({ name: 'search_memories', arguments: { query: 'x', limit: 'many' } });
assert.equal(refused.isError, true);
assert.match(refused.content[0].text, /^limit: The value must be a whole number from 1 to 200/);

assert.equal((await call('delete_memory', { id: stored.id })).deleted, true);
assert.deepEqual([...called].sort(), tools.map(tool => tool.name).sort(), 'every tool is called');
await client.close();
console.log(`${called.size} tools called`);
