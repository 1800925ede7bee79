-- Answers kept under request ids. A `request` is nil or {fingerprint, ttl: ms}.
-- needs: names, numbers
local request_ids = {}
local call = redis.call

-- The packed answer kept for the request; '' when the id was used for another request.
function request_ids.kept(request)
  local record = request and call('GET', names.request)
  if not record then return nil end
  local fingerprint = request.fingerprint
  if string.sub(record, 1, #fingerprint) ~= fingerprint then return '' end
  return string.sub(record, #fingerprint + 1)
end

local function keep(request, packed)
  call('SET', names.request, request.fingerprint .. packed, 'PX', numbers.int(request.ttl))
end

-- Packs the answer and keeps it for the request.
function request_ids.answer(request, reply)
  local packed = cmsgpack.pack(reply)
  if request then keep(request, packed) end
  return packed
end

-- Of a call of several parts, each of which is done or refused on its own: the packed answer, where
-- no part is to be judged; else nil and the replies to the parts that were done before, by their
-- indexes.
function request_ids.kept_parts(request)
  local packed = request_ids.kept(request)
  if not packed or packed == '' then return packed, {} end
  local replies, any_open = cmsgpack.unpack(packed), false
  for i = 1, #replies do any_open = any_open or not replies[i] end
  if not any_open then return packed, {} end
  return nil, replies
end

-- Packs the replies, and keeps for the request those for which `is_done` holds, if there are any:
-- `false` stands for the others.
function request_ids.answer_parts(request, replies, is_done)
  if not request then return cmsgpack.pack(replies) end
  local kept, any_done = {}, #replies == 0
  for i, reply in ipairs(replies) do
    kept[i] = is_done(reply) and reply or false
    any_done = any_done or kept[i] ~= false
  end
  if any_done then keep(request, cmsgpack.pack(kept)) end
  return cmsgpack.pack(replies)
end

return request_ids
