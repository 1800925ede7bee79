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

-- Packs the answer and keeps it for the request.
function request_ids.answer(request, reply)
  local packed = cmsgpack.pack(reply)
  if request then
    call('SET', names.request, request.fingerprint .. packed, 'PX', numbers.int(request.ttl))
  end
  return packed
end

return request_ids
